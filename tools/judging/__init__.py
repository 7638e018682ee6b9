"""What the embedded model is judged by, a page for each kind of question."""
