"""Marquee's command line and composition root: the only place that wires the parts together."""
