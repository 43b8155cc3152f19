body_of <- function(...) bytes("{\"model\": \"2PL\",\n \"observations\": [", ..., "]}\n")

test_that("observations in JSON are the same answers as rows of CSV", {
  json <- read_observations(body_of(
    "{\"user_id\": \"u1\", \"item_id\": 17, \"is_correct\": true},\n",
    "{\"user_id\": 12, \"item_id\": \"007\", \"is_correct\": 0}"
  ))
  csv <- read_body(bytes("{\"model\": \"2PL\"}\nuser,item,correct\nu1,17,1\n12,007,0\n"))
  expect_identical(json$rows, csv$rows)
  expect_identical(json$head$model, csv$head$model)
})

test_that("a body is told by its end, and calibrate takes both", {
  expect_true(is_document(body_of("")))
  expect_false(is_document(bytes("{\"model\": \"2PL\"}\nuser,item,correct\nu1,17,1\n")))
  expect_false(is_document(raw()))
  expect_refused(calibrate(body_of("")), "observations")
  expect_refused(calibrate(bytes("{\"model\": \"2PL\"}")), "observations")
})

test_that("what is no observation is refused by its place", {
  good <- "{\"user_id\": \"u\", \"item_id\": \"i\", \"is_correct\": true},"
  refused <- function(text, field) expect_refused(read_observations(body_of(good, text)), field)
  refused("1", "observations[1]")
  refused("{\"item_id\": \"i\", \"is_correct\": true}", "observations[1].user_id")
  refused("{\"user_id\": \"u\", \"item_id\": \"\", \"is_correct\": true}", "observations[1].item_id")
  for (value in c("null", "2", "\"true\"", "[true]")) {
    text <- sprintf("{\"user_id\": \"u\", \"item_id\": \"i\", \"is_correct\": %s}", value)
    refused(text, "observations[1].is_correct")
  }
  expect_refused(read_observations(bytes("{\"observations\": {\"user_id\": \"u\"}}")), "observations")
})
