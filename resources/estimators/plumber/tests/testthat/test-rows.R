rows_of <- function(...) read_rows(bytes("user,item,correct\n", ...))

test_that("ids are text, as given", {
  rows <- rows_of("007,1e5,1\n7, 1,0\nNA,TRUE,1\n")
  expect_identical(rows$user, c("007", "7", "NA"))
  expect_identical(rows$item, c("1e5", " 1", "TRUE"))
  expect_identical(rows$correct, c(1L, 0L, 1L))
})

test_that("quoted ids with commas, quotes and letters of any script come through and go back", {
  rows <- rows_of("\"a,\"\"b\"\"\",1,1\n\u00e9\u4e2d,2,0\n")
  expect_identical(rows$user, c("a,\"b\"", "\u00e9\u4e2d"))
  expect_identical(csv_field(rows$user), c("\"a,\"\"b\"\"\"", "\u00e9\u4e2d"))
})

test_that("columns may come in any order, with others between, and lines may end in CR LF", {
  rows <- read_rows(bytes("correct,when,item,user\r\n1,x,i,u\r\n"))
  expect_identical(c(rows$user, rows$item, as.character(rows$correct)), c("u", "i", "1"))
})

test_that("what fread would guess, skip or stop at is refused", {
  expect_refused(rows_of("u,1,1\nu,2\nu,3,1\n"), "csv")
  expect_refused(rows_of("u,1,1\n\nu,3,1\n"), "csv")
  expect_refused(rows_of("u,1,1\nend of file\n"), "csv")
  expect_refused(rows_of("u,1,1\nu,2,1,0\n"), "csv")
  expect_refused(rows_of(""), "csv")
  expect_refused(read_rows(bytes("user,item,correct")), "csv")
  expect_refused(read_rows(bytes("a comment\nuser,item,correct\nu,1,1\n")), "csv")
  expect_refused(read_rows(raw()), "csv")
  expect_refused(read_rows(as.raw(c(0x75, 0x0a, 0x00, 0x31))), "csv")
  expect_refused(read_rows(as.raw(c(0x75, 0x0a, 0xff, 0x31))), "csv")
})

test_that("a body is judged alone: fread broken off by the warning of one body made it warn of the next", {
  expect_refused(rows_of("u,1,1\nu,2\nu,3,1\n"), "csv")
  expect_identical(rows_of("u,1,1\n")$user, "u")
})

test_that("missing and repeated columns, empty ids and values other than 0 and 1 are refused by name", {
  expect_refused(read_rows(bytes("user,item\nu,1\n")), "correct")
  expect_refused(read_rows(bytes("user,user,item,correct\nu,u,1,1\n")), "user")
  expect_refused(rows_of(",1,1\n"), "user")
  expect_refused(rows_of("u,,1\n"), "item")
  for (value in c("2", "", "true", "1.0", " 1", "NA", "NaN", "-1")) {
    expect_refused(rows_of("u,1,", value, "\n"), "correct")
  }
})

test_that("the head is one line of JSON before the CSV", {
  body <- read_body(bytes("{\"model\": \"2PL\"}\nuser,item,correct\nu,1,1\n"))
  expect_identical(body$head, list(model = "2PL"))
  expect_identical(body$rows$user, "u")
  expect_refused(read_body(bytes("{}")), "body")
  expect_refused(read_body(bytes("user,item,correct\nu,1,1\n")), "head")
  expect_refused(read_body(bytes("[1]\nuser,item,correct\nu,1,1\n")), "head")
})
