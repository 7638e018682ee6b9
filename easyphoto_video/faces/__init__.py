"""One person's face through a clip: found, followed, cut out, put back, judged."""
