"""The client of r-irt-plumber, and the process that runs it. The service itself, in R, is `plumber`."""
