"""Weekly reports: the template compiled once, the view of one learner and week, charts, and filling."""
