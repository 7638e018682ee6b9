"""Training: from a person's photos to a LoRA in EasyPhoto's layout."""
