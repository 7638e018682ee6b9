"""What made `models/embedded`: a renderer of portraits, the training, the export, the judge."""
