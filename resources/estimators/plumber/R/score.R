# POST /irt/score: one learner, answered as JSON.

score_one <- function(bytes) {
  request <- read_json(text_of(bytes))
  bank <- read_bank(required(request, "item_params"))
  prior <- read_prior(request[["prior"]])
  answers <- read_answers(required(request, "responses"), bank)
  estimate <- eap(rep(1L, length(answers$item)), answers$item, answers$correct, 1L, bank, prior)
  list(
    status = "ok", theta = exact(estimate$theta), se = exact(estimate$se),
    n_items = length(answers$item), model = bank$model
  )
}

required <- function(request, name) {
  if (is.null(request[[name]])) refuse(sprintf("%s is missing.", name), name)
  request[[name]]
}

# `responses` is [{"item_id", "is_correct"}, ...]; gives item (row of the bank) and correct (0 or 1) for each.
read_answers <- function(responses, bank) {
  if (!is.list(responses) || !is.null(names(responses))) refuse("responses must be a list of objects.", "responses")
  if (length(responses) == 0L) refuse("responses is empty: there is nothing to score.", "responses")
  label <- function(i) sprintf("responses[%d]", i - 1L)
  refuse_unless(vapply(responses, is_object, NA), label, function(i) "A response is {\"item_id\", \"is_correct\"}.")
  id <- ids_of(responses, label)
  correct <- lapply(responses, `[[`, "is_correct")
  refuse_unless(
    vapply(correct, is_flag, NA), function(i) paste0(label(i), ".is_correct"),
    function(i) "is_correct must be true or false."
  )
  item <- match(id, bank$id)
  refuse_unless(
    !is.na(item), function(i) paste0(label(i), ".item_id"), function(i) sprintf("Item %s is not in item_params.", id[i])
  )
  list(item = item, correct = as.integer(unlist(correct)))
}
