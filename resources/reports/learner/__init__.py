"""The learner's weekly report: what it is made from, and the view model that its document names."""
