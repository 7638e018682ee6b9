"""Sound as networks hear it: waves, Whisper's log-mel and its encoder, features for each frame."""
