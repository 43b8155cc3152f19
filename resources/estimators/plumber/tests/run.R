# Rscript tests/run.R: every test of the service that needs no HTTP, then lintr on all of it. Exit code 1 if any fails.

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1L])
here <- dirname(gsub("~+~", " ", script, fixed = TRUE)) # Rscript writes a space so
testthat::test_dir(file.path(here, "testthat"), reporter = "summary", stop_on_failure = TRUE, stop_on_warning = TRUE)
lints <- lintr::lint_dir(dirname(here))
print(lints)
if (length(lints) > 0L) quit(status = 1L)
