"""The catalogue of finished reports, of learners and of classes."""
