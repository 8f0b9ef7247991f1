"""Classifiers, what they are trained on, and what their answers are worth."""
