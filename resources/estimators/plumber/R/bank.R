# The item bank and the prior of a request. Logistic metric, D = 1: P = c + (1 - c) / (1 + exp(-a (theta - b))).

# `params` is {"id": {"a", "b", "c"}, ...} or [{"item_id", "a", "b", "c"}, ...]; c may be absent or null and is then 0.
# Gives a list of id, a, b, c, each with one entry an item, and the model: 3PL where some c is above 0, else 2PL.
read_bank <- function(params) {
  if (!is.list(params)) refuse("item_params must be an object or a list of objects.", "item_params")
  if (length(params) == 0L) refuse("item_params is empty: there is nothing to score with.", "item_params")
  keyed <- !is.null(names(params))
  label <- if (keyed) {
    function(j) sprintf("item_params.%s", names(params)[j])
  } else {
    function(j) sprintf("item_params[%d]", j - 1L)
  }
  refuse_unless(vapply(params, is_object, NA), label, function(j) "An item is an object with a, b and, for a 3PL, c.")
  id <- if (keyed) names(params) else ids_of(params, label)
  refuse_unless(!duplicated(id), label, function(j) sprintf("Item %s stands in item_params twice.", id[j]))

  a <- parameter(params, "a", label)
  b <- parameter(params, "b", label)
  c <- parameter(params, "c", label, default = 0)
  refuse_unless(a > 0, function(j) paste0(label(j), ".a"), function(j) sprintf("a is %g, and must be above 0.", a[j]))
  refuse_unless(
    c >= 0 & c < 1, function(j) paste0(label(j), ".c"), function(j) sprintf("c is %g, and must be in [0, 1).", c[j])
  )
  list(id = id, a = a, b = b, c = c, model = if (any(c > 0)) "3PL" else "2PL")
}

ids_of <- function(entries, label) {
  id <- vapply(entries, function(entry) as_id(entry[["item_id"]]), "", USE.NAMES = FALSE)
  refuse_unless(
    !is.na(id), function(j) paste0(label(j), ".item_id"), function(j) "item_id must be a string that is not empty."
  )
  id
}

parameter <- function(entries, name, label, default = NULL) {
  values <- lapply(entries, `[[`, name)
  if (!is.null(default)) values[vapply(values, is.null, NA)] <- default
  refuse_unless(
    vapply(values, is_number, NA), function(j) paste0(label(j), ".", name),
    function(j) sprintf("%s must be a finite number.", name)
  )
  as.double(unlist(values, use.names = FALSE))
}

# {"mean", "sd"} of the normal prior in logits; N(0, 1) where the request names none. Of a batch, each is one number, or
# a list of one per user in the order of appearance.
read_prior <- function(prior, n_users = NULL) {
  if (is.null(prior)) return(list(mean = 0, sd = 1))
  if (!is_object(prior)) refuse("prior must be an object with mean and sd.", "prior")
  mean <- prior_numbers(prior, "mean", n_users)
  sd <- prior_numbers(prior, "sd", n_users)
  refuse_unless(sd$value > 0, sd$label, function(i) sprintf("sd is %g, and must be above 0.", sd$value[i]))
  list(mean = mean$value, sd = sd$value)
}

# The numbers, and what names the field of each.
prior_numbers <- function(prior, name, n_users) {
  field <- paste0("prior.", name)
  numbers <- prior[[name]]
  each <- !is.null(n_users) && is.list(numbers) && !is_object(numbers)
  if (each && length(numbers) != n_users) {
    message <- "%s is a list of %d, and the batch has %d users: send one number, or one for each user."
    refuse(sprintf(message, name, length(numbers), n_users), field)
  }
  if (!each) numbers <- list(numbers)
  label <- function(i) if (each) sprintf("%s[%d]", field, i - 1L) else field
  refuse_unless(vapply(numbers, is_number, NA), label, function(i) sprintf("%s must be a finite number.", name))
  list(value = as.double(unlist(numbers)), label = label)
}
