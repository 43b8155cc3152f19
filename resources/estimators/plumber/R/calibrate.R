# POST /irt/calibrate: item parameters under the Rasch model, the 2PL or the 3PL, by mirt. mirt is no part of the image
# by default; where it is missing the answer is 501, and this project calibrates without R.

models <- c("Rasch", "2PL", "3PL")
most_cells <- 5e7 # learners x items: mirt holds the table several times, 200 MB each

# Body as for a batch, its head {"model": "Rasch" | "2PL" | "3PL"}, or one JSON object with `observations`. `fit` is
# mirt_fit wherever the service runs.
calibrate <- function(bytes, fit = mirt_fit) {
  body <- if (is_document(bytes)) read_observations(bytes) else read_body(bytes)
  model <- required(body$head, "model")
  if (!is.character(model) || !(model %in% models)) {
    refuse("model must be \"Rasch\", \"2PL\" or \"3PL\".", "model")
  }
  answers <- before_calibration(body$rows)
  refuse_disconnected(answers)
  refuse_unrelated(answers)
  fitted <- fit(answer_matrix(answers), model)
  after <- after_calibration(fitted, answers$items)
  left_out <- rbind(answers$left_out, after)
  kept <- !(answers$items %in% after$item)
  if (!any(kept)) {
    message <- "No item can be used: all %d came out useless, such as %s: %s."
    refuse(sprintf(message, length(kept), after$item[1L], after$reason[1L]), NULL, "not_calibrated", 422L)
  }
  n_answers <- tabulate(answers$item, length(answers$items))
  of_item <- function(j) {
    list(
      a = exact(fitted$a[j]), b = exact(fitted$b[j]), c = exact(fitted$c[j]),
      se = list(a = known(fitted$se_a[j]), b = known(fitted$se_b[j]), c = known(fitted$se_c[j])),
      n_answers = n_answers[j]
    )
  }
  list(
    status = "ok", model = model, n_users = answers$n_users, n_responses = length(answers$user),
    log_likelihood = exact(fitted$log_likelihood), converged = TRUE, cycles = fitted$cycles,
    group = list(mean = exact(fitted$mean), sd = exact(fitted$sd)),
    item_params = stats::setNames(lapply(which(kept), of_item), answers$items[kept]),
    left_out = lapply(order(left_out$item), function(j) as.list(left_out[j, ])), warnings = as.list(fitted$warnings)
  )
}

# null where a parameter was not estimated, or mirt found no standard error.
known <- function(se) if (is.finite(se)) exact(se)

# Users x items of 0, 1 and NA (not answered).
answer_matrix <- function(answers) {
  n_items <- length(answers$items)
  if (answers$n_users * n_items > most_cells) {
    message <- "%d users x %d items are more than the %g cells that mirt is given at once: send fewer users."
    refuse(sprintf(message, answers$n_users, n_items, most_cells), NULL, "not_calibrated", 422L)
  }
  matrix <- matrix(NA_integer_, answers$n_users, n_items)
  matrix[cbind(answers$user, answers$item)] <- answers$correct
  matrix
}
