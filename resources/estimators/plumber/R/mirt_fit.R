# The one call of mirt. Source: Chalmers (2012), Journal of Statistical Software 48(6).

# mirt stops by default where no parameter moves by 1e-4 a cycle: up to 1e-2 before the maximum.
tolerance <- 1e-6
max_cycles <- 2000L
# Of logit c, which mirt's g is inside. Without it the 3PL has no maximum for easy items; .25 with 95 % of [.11, .47].
guessing_prior <- "norm, -1.1, 0.5"

# `answers` is users x items of 0, 1 and NA. Gives a, b, c and their standard errors se_a, se_b, se_c (NA: none) with an
# entry an item, the group's mean and sd, log_likelihood (without the prior's part), cycles, and mirt's warnings.
# Ability is N(0, 1) in the group, except under the Rasch model: there a is 1, the SD is free, and the grid reaches
# further.
mirt_fit <- function(answers, model) {
  if (!requireNamespace("mirt", quietly = TRUE)) {
    refuse(
      "Calibration needs the R package mirt, which is not installed where this service runs.",
      NULL, "not_installed", 501L
    )
  }
  n_items <- ncol(answers)
  colnames(answers) <- sprintf("item%d", seq_len(n_items)) # an id could be a word of mirt's own
  specification <- if (model == "3PL") {
    sprintf("F = 1-%d\nPRIOR = (1-%d, g, %s)", n_items, n_items, guessing_prior)
  } else {
    1
  }
  reach <- if (model == "Rasch") 12 else 6
  warnings <- character()
  fitted <- withCallingHandlers(
    tryCatch(
      mirt::mirt(
        as.data.frame(answers), specification, itemtype = model, TOL = tolerance, SE = TRUE, SE.type = "Oakes",
        quadpts = 10L * reach + 1L, verbose = FALSE,
        technical = list(NCYCLES = max_cycles, theta_lim = c(-reach, reach))
      ),
      error = function(stopped) {
        refuse(sprintf("mirt stopped: %s", one_line(conditionMessage(stopped))), NULL, "not_calibrated", 422L)
      }
    ),
    warning = function(condition) {
      warnings <<- c(warnings, one_line(conditionMessage(condition)))
      invokeRestart("muffleWarning")
    }
  )
  cycles <- mirt::extract.mirt(fitted, "iterations")
  log_likelihood <- mirt::extract.mirt(fitted, "logLik")
  if (!isTRUE(mirt::extract.mirt(fitted, "converged")) || !is.finite(log_likelihood)) {
    said <- if (length(warnings) > 0L) sprintf(" (mirt: %s)", paste(warnings, collapse = "; ")) else ""
    message <- "The fit did not converge in %d cycles%s. More answers to the items that have the fewest%s may help."
    refuse(sprintf(message, cycles, said, if (model == "3PL") ", or a 2PL," else ""), NULL, "not_converged", 422L)
  }
  # Rows par and, where the information matrix has an inverse, SE, by the delta method; columns a, b, g, u.
  items <- mirt::coef(fitted, IRTpars = TRUE, printSE = TRUE)[seq_len(n_items)]
  of <- function(row, column) {
    vapply(items, function(item) if (row %in% rownames(item)) item[[row, column]] else NA_real_, 0, USE.NAMES = FALSE)
  }
  group <- mirt::coef(fitted, simplify = TRUE)
  list(
    a = of("par", "a"), b = of("par", "b"), c = of("par", "g"),
    se_a = of("SE", "a"), se_b = of("SE", "b"), se_c = of("SE", "g"),
    mean = group$means[[1L]], sd = sqrt(group$cov[[1L, 1L]]),
    log_likelihood = log_likelihood, cycles = cycles, warnings = warnings
  )
}

one_line <- function(text) trimws(gsub("[[:space:]]+", " ", text))
