# Rscript calibration.R FOLDER: calibrates from FOLDER/body and leaves the answer, or the error that stopped it, in
# FOLDER/outcome.rds. The service starts it through supervise.sh.

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1L])
here <- dirname(gsub("~+~", " ", script, fixed = TRUE)) # Rscript writes a space so
for (part in list.files(file.path(here, "R"), pattern = "[.]R$", full.names = TRUE)) source(part, encoding = "UTF-8")

invisible(suppressWarnings(Sys.setlocale("LC_CTYPE", "C.UTF-8"))) # ids are UTF-8, whatever the caller's locale
folder <- commandArgs(trailingOnly = TRUE)[1L]
body <- file.path(folder, "body")
outcome <- tryCatch(calibrate(readBin(body, "raw", file.size(body))), error = identity)
saveRDS(outcome, file.path(folder, "outcome.rds"))
