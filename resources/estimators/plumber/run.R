# Starts the service: Rscript run.R. Settings are environment variables: R_IRT_HOST, R_IRT_PORT,
# R_IRT_MAX_BODY_BYTES, R_IRT_CALIBRATE_SECS, and R_IRT_INTERNAL_TOKEN, which every caller must then send: one of them
# where it has several with commas between, as while it is being changed.

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1L])
here <- dirname(gsub("~+~", " ", script, fixed = TRUE)) # Rscript writes a space so
for (part in list.files(file.path(here, "R"), pattern = "[.]R$", full.names = TRUE)) source(part, encoding = "UTF-8")

invisible(suppressWarnings(Sys.setlocale("LC_CTYPE", "C.UTF-8"))) # ids are UTF-8, whatever the caller's locale
# What the first request would otherwise wait for: loading the packages and compiling the code, 3 s.
invisible(score_batch(charToRaw("{\"item_params\":{\"1\":{\"a\":9,\"b\":9}}}\nuser,item,correct\nu,1,1\n")))
tokens <- trimws(strsplit(Sys.getenv("R_IRT_INTERNAL_TOKEN"), ",", fixed = TRUE)[[1L]])
tokens <- tokens[nzchar(tokens)]
calibrate_secs <- suppressWarnings(as.numeric(Sys.getenv("R_IRT_CALIBRATE_SECS", "600")))
if (!isTRUE(calibrate_secs > 0)) stop("R_IRT_CALIBRATE_SECS must be a number of seconds above 0.")
server <- httpuv::startServer(
  host = Sys.getenv("R_IRT_HOST", "127.0.0.1"),
  port = as.integer(Sys.getenv("R_IRT_PORT", "8000")),
  app = service(
    calibration = one_calibration(here, calibrate_secs),
    tokens = if (length(tokens)) tokens,
    max_body_bytes = as.numeric(Sys.getenv("R_IRT_MAX_BODY_BYTES", as.character(64 * 2^20)))
  )
)
log_line(write_json(list(
  at = timestamp_utc(), event = "listening", host = server$getHost(), port = server$getPort(),
  token = length(tokens) > 0L
)))
repeat httpuv::service(0)
