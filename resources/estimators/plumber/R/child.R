# A calibration in a process of its own: R does one thing at a time, and scoring and /healthz are not to wait for it.

look_every_s <- 0.1

# A function of a request's body that promises the answer of calibrate(), worked out by `here`/calibration.R. One at a
# time, as mirt takes a core and much memory; a second is refused. One that takes over `limit_s` is killed.
one_calibration <- function(here, limit_s) {
  running <- FALSE
  function(bytes) {
    if (running) {
      refuse("Another calibration is running, and this service works on one at a time.", NULL, "busy", 429L)
    }
    running <<- TRUE
    promises::finally(calibration_in_child(bytes, here, limit_s), function() running <<- FALSE)
  }
}

calibration_in_child <- function(bytes, here, limit_s) {
  promises::promise(function(resolve, reject) {
    folder <- tempfile("calibration-")
    dir.create(folder, mode = "0700") # answers of learners are in it
    writeBin(bytes, file.path(folder, "body"))
    command <- c(
      "sh", file.path(here, "supervise.sh"), folder,
      file.path(R.home("bin"), "Rscript"), "--vanilla", file.path(here, "calibration.R"), folder
    )
    started <- now_s()
    child <- pipe(paste(shQuote(command), collapse = " "), "w") # supervise.sh kills and cleans up when it closes
    look <- function() {
      ended <- file.exists(file.path(folder, "exit"))
      if (!ended && now_s() - started < limit_s) return(later::later(look, look_every_s))
      tryCatch(
        {
          outcome <- if (ended) outcome_of(folder) else over_time(limit_s)
          close(child)
          if (inherits(outcome, "error")) reject(outcome) else resolve(outcome)
        },
        error = reject # out of here it would end the service
      )
    }
    look()
  })
}

# What calibrate() gave or stopped with, or what ended its process before.
outcome_of <- function(folder) {
  code <- as.integer(readLines(file.path(folder, "exit")))
  if (code == 0L) return(readRDS(file.path(folder, "outcome.rds")))
  if (code <= 128L) {
    said <- utils::tail(readLines(file.path(folder, "stderr"), warn = FALSE), 3L)
    return(simpleError(sprintf("The calibration ended with code %d: %s", code, paste(said, collapse = " "))))
  }
  message <- paste(
    "The process of the calibration was killed (signal %d), as happens where memory runs out:",
    "send fewer users, or give the machine more memory."
  )
  refusal(sprintf(message, code - 128L), NULL, "killed", 503L)
}

# Not 504: those who try that again by themselves would only wait as long again.
over_time <- function(limit_s) {
  message <- "The calibration was ended after %g s (R_IRT_CALIBRATE_SECS): send fewer users, or raise the limit."
  refusal(sprintf(message, limit_s), NULL, "over_time", 422L)
}
