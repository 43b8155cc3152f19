# What can be calibrated. The limits are those of resources/irt/calibration/screening.py, which gives their reasons.

min_answers <- 30L
min_items <- 3L # two items tell their correlation, and a 2PL would need two slopes from it
min_discrimination <- 0.1
max_discrimination <- 5
max_difficulty <- 10 # SDs of ability
min_z <- stats::qnorm(0.99) # of a hundred sets of coin flips, one passes

# The answers to the items that the likelihood can place: user (1 to n_users), item (place in `items`) and correct with
# an entry an answer; the others stand in left_out, a data frame of item and reason. A user without such an answer is
# none of n_users.
before_calibration <- function(rows) {
  refuse_unless(
    !duplicated(data.table::as.data.table(rows), by = c("user", "item")), function(i) "user",
    function(i) sprintf("Row %d: user %s answers item %s again; send one answer.", i, rows$user[i], rows$item[i])
  )
  items <- unique(rows$item)
  item <- match(rows$item, items)
  n <- tabulate(item, length(items))
  n_right <- tabulate(item[rows$correct == 1L], length(items))
  left_out <- first_reason(
    items,
    list(n < min_answers, sprintf("%d answers, fewer than %d", n, min_answers)),
    list(n_right == n, sprintf("all %d answers right", n)),
    list(n_right == 0L, sprintf("all %d answers wrong", n))
  )
  kept <- !(items %in% left_out$item)
  if (sum(kept) < min_items) {
    message <- "Of %d items %d can be calibrated, and at least %d must be%s."
    such <- if (all(kept)) "" else sprintf(": %s, for one, has %s", left_out$item[1L], left_out$reason[1L])
    refuse(sprintf(message, length(items), sum(kept), min_items, such), NULL, "not_calibrated", 422L)
  }
  used <- kept[item]
  users <- unique(rows$user[used])
  list(
    user = match(rows$user[used], users), item = cumsum(kept)[item[used]], correct = rows$correct[used],
    items = items[kept], n_users = length(users), left_out = left_out
  )
}

# Items whose estimates are no basis for scoring, as a data frame of item and reason.
after_calibration <- function(fitted, items) {
  a <- fitted$a
  b <- fitted$b
  first_reason(
    items,
    list(!is.finite(a), sprintf("discrimination %g is not finite", a)),
    list(a < 0, sprintf("discrimination %.2f is negative: able learners fail it; is its key right?", a)),
    list(a < min_discrimination, sprintf("discrimination %.2f is below %g", a, min_discrimination)),
    list(a > max_discrimination, sprintf("discrimination %.2f is above %g", a, max_discrimination)),
    list(!is.finite(b), sprintf("difficulty %g is not finite", b)),
    list(
      abs(b - fitted$mean) > max_difficulty * fitted$sd,
      sprintf("difficulty %.1f is more than %g SDs from the learners", b, max_difficulty)
    )
  )
}

# Each of `...` is a test: which items fail it, and what is said of each. The first that an item fails gives the reason.
first_reason <- function(items, ...) {
  reason <- rep(NA_character_, length(items))
  for (test in list(...)) {
    failed <- is.na(reason) & test[[1L]] %in% TRUE
    reason[failed] <- test[[2L]][failed]
  }
  data.frame(item = items[!is.na(reason)], reason = reason[!is.na(reason)])
}

# Groups of learners who share no item are on scales of their own: nothing but the assumption that they are equally able
# would put them on one.
refuse_disconnected <- function(answers) {
  component <- components(answers)
  first <- which(!duplicated(component))
  if (length(first) == 1L) return(invisible())
  named <- paste(utils::head(answers$items[first], 10L), collapse = ", ")
  message <- paste(
    "The answers fall apart into %d groups of items that no learner connects, and each would have a scale of its own.",
    "One item of each: %s%s. Calibrate them apart, or add learners who answered items of several."
  )
  more <- if (length(first) > 10L) ", ..." else ""
  refuse(sprintf(message, length(first), named, more), "item", "disconnected", 422L)
}

# For each item the first item of its component: those that a chain of learners connects.
components <- function(answers) {
  by_user <- order(answers$user)
  n <- length(by_user)
  same <- diff(answers$user[by_user]) == 0L
  edges <- data.table::data.table(from = answers$item[by_user[-n]], to = answers$item[by_user[-1L]])[same]
  edges <- unique(edges) # a data.table's: a matrix's makes text of every row
  label <- seq_along(answers$items)
  repeat {
    low <- pmin(label[edges$from], label[edges$to])
    largest_first <- order(rep(low, 2L), decreasing = TRUE) # of several labels for one item, the last and least stays
    found <- label
    found[c(edges$from, edges$to)[largest_first]] <- rep(low, 2L)[largest_first]
    found <- found[found]
    if (identical(found, label)) return(label)
    label <- found
  }
}

# Coin flips converge too, to nothing. Where learners differ in one ability, the answers of each hang together: over all
# pairs of answers by one learner, sum (x - p)(x' - p') has mean 0 and variance sum p(1-p) p'(1-p') if they do not.
refuse_unrelated <- function(answers) {
  p <- tapply(answers$correct, answers$item, mean)[answers$item]
  pairs <- function(x) sum(rowsum(x, answers$user)^2 - rowsum(x^2, answers$user)) / 2
  z <- pairs(answers$correct - p) / sqrt(pairs(p * (1 - p)))
  if (z < min_z) {
    message <- paste(
      "The answers of one learner hang together no more than coin flips would (z = %.1f, below %.2f):",
      "there is no common ability to calibrate by."
    )
    refuse(sprintf(message, z, min_z), "correct", "unrelated", 422L)
  }
}
