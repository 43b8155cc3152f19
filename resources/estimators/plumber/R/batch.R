# POST /irt/score/batch: many learners, answered as CSV user,theta,se,n_items in the order in which users first appear.

score_batch <- function(bytes) {
  body <- read_body(bytes)
  bank <- read_bank(required(body$head, "item_params"))
  users <- unique(body$rows$user)
  prior <- read_prior(body$head[["prior"]], length(users))
  item <- match(body$rows$item, bank$id)
  refuse_unless(
    !is.na(item), function(i) "item",
    function(i) sprintf("Row %d: item %s is not in item_params.", i, body$rows$item[i])
  )
  user <- match(body$rows$user, users)
  estimate <- eap(user, item, body$rows$correct, length(users), bank, prior)
  n_items <- tabulate(user, length(users))
  lines <- sprintf("%s,%.17g,%.17g,%d", csv_field(users), estimate$theta, estimate$se, n_items)
  paste0("user,theta,se,n_items\n", paste(lines, collapse = "\n"), "\n")
}
