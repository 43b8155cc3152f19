# POST /irt/calibrate: 2PL or 3PL item parameters by mirt. mirt is no part of the image by default; where it is missing
# the answer is 501, and this project calibrates without R.

# Body as for a batch; the head is {"model": "2PL" | "3PL"}. `fit` is mirt_fit wherever the service runs.
calibrate <- function(bytes, fit = mirt_fit) {
  body <- read_body(bytes)
  model <- required(body$head, "model")
  if (!identical(model, "2PL") && !identical(model, "3PL")) refuse("model must be \"2PL\" or \"3PL\".", "model")
  answers <- answer_matrix(body$rows)
  fitted <- fit(answers, model)
  if (!isTRUE(fitted$converged)) {
    refuse("The fit did not converge: more responses, or a 2PL, may help.", NULL, "not_converged", 422L)
  }
  list(
    status = "ok", model = model, n_users = nrow(answers), n_responses = nrow(body$rows),
    log_likelihood = exact(fitted$log_likelihood), item_params = item_parameters(fitted$items)
  )
}

# Users x items of 0, 1 and NA (not answered), with the items' ids as the names of the columns.
answer_matrix <- function(rows) {
  refuse_unless(
    !duplicated(rows[, c("user", "item")]), function(i) "user",
    function(i) sprintf("Row %d: user %s answers item %s again; send one answer.", i, rows$user[i], rows$item[i])
  )
  users <- unique(rows$user)
  items <- unique(rows$item)
  answers <- matrix(NA_integer_, length(users), length(items), dimnames = list(NULL, items))
  answers[cbind(match(rows$user, users), match(rows$item, items))] <- rows$correct
  share <- colMeans(answers, na.rm = TRUE)
  refuse_unless(
    share > 0 & share < 1, function(j) "item",
    function(j) sprintf("Item %s is answered alike by all: it has no difficulty.", items[j])
  )
  answers
}

# `items` has a row an item and the columns a, b and g (guessing), as mirt's coef gives them.
item_parameters <- function(items) {
  of_item <- function(j) list(a = exact(items[j, "a"]), b = exact(items[j, "b"]), c = exact(items[j, "g"]))
  stats::setNames(lapply(seq_len(nrow(items)), of_item), rownames(items))
}

mirt_fit <- function(answers, model) {
  if (!requireNamespace("mirt", quietly = TRUE)) {
    refuse(
      "Calibration needs the R package mirt, which is not installed where this service runs.",
      NULL, "not_installed", 501L
    )
  }
  fitted <- mirt::mirt(as.data.frame(answers), 1, itemtype = model, verbose = FALSE)
  list(
    items = mirt::coef(fitted, IRTpars = TRUE, simplify = TRUE)$items,
    converged = mirt::extract.mirt(fitted, "converged"),
    log_likelihood = mirt::extract.mirt(fitted, "logLik")
  )
}
