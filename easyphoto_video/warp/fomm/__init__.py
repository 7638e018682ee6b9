"""First Order Motion Model (Siarohin et al., NeurIPS 2019), by the official key names."""
