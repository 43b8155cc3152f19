# Expected a posteriori ability: posterior mean and SD under a normal prior, for many users at once and for each as if
# alone. The rule, per user (resources/irt/eap.py is the same in Python, and says how exact it is):
#
# 1. 61 equally spaced points over prior mean +- 6 SD, spacing h. Density = prior times likelihood, from logarithms less
#    their maximum: products of 5,000 probabilities underflow. m and s are its mean and SD.
# 2. Done if h <= s and the density at both ends is at most 1e-7 of its maximum.
# 3. Else the same with 121, then with 241 points.
# 4. Else, up to 60 times, 121 points over m +- w, until the test of 2 holds. Where an end was above 1e-7, w is twice
#    the last half-width; where not, w = 8 max(s, h).
#
# Source: Bock & Mislevy (1982), Applied Psychological Measurement 6(4), 431-444.

shared_points <- c(61L, 121L, 241L)
own_points <- 121L
reach_prior_sds <- 6
negligible <- 1e-7
most_rounds <- 60L
users_at_once <- 4096L # 8 MB a matrix of users x 241 points
rows_at_once <- 16384L # 16 MB a matrix of responses x 121 points

# `user` (1 to n_users), `item` (row of the bank) and `correct` (0 or 1) have one entry a response; every user has one.
# Gives theta and se in logits, one entry a user.
eap <- function(user, item, correct, n_users, bank, prior) {
  n_items <- length(bank$a)
  answers <- Matrix::sparseMatrix(
    i = item + n_items * correct, j = user, x = 1, dims = c(2L * n_items, n_users), repr = "C"
  )
  unknown <- rep(NA_real_, n_users)
  grid <- list(
    theta = unknown, se = unknown, at_end = unknown, spacing = unknown, reach = rep(reach_prior_sds * prior$sd, n_users)
  )
  open <- seq_len(n_users)
  for (points in shared_points) {
    grid <- on_shared_points(grid, open, answers, points, bank, prior)
    open <- unresolved(grid, open)
    if (length(open) == 0L) return(grid[c("theta", "se")])
  }
  for (round in seq_len(most_rounds)) {
    cut <- grid$at_end[open] > negligible
    grid$reach[open] <- ifelse(cut, 2 * grid$reach[open], 8 * pmax(grid$se[open], grid$spacing[open]))
    grid <- on_own_points(grid, open, user, item, correct, bank, prior)
    open <- unresolved(grid, open)
    if (length(open) == 0L) return(grid[c("theta", "se")])
  }
  stop(sprintf("The posteriors of %d users were not resolved in %d rounds.", length(open), most_rounds))
}

unresolved <- function(grid, open) {
  open[!(grid$spacing[open] <= grid$se[open] & grid$at_end[open] <= negligible)]
}

# All users on the same points: one table of log probabilities, and the log-likelihoods are one sparse product.
on_shared_points <- function(grid, open, answers, n_points, bank, prior) {
  offsets <- seq(-1, 1, length.out = n_points)
  theta <- prior$mean + reach_prior_sds * prior$sd * offsets
  log_p <- log_probabilities(outer(bank$a, theta) - bank$a * bank$b, bank$c)
  log_p <- rbind(log_p$wrong, log_p$right)
  log_prior <- -0.5 * (reach_prior_sds * offsets)^2
  for (who in split(open, (seq_along(open) - 1L) %/% users_at_once)) {
    log_likelihood <- as.matrix(Matrix::crossprod(answers[, who, drop = FALSE], log_p))
    log_density <- log_likelihood + rep(log_prior, each = length(who))
    grid <- take_moments(grid, who, log_density, offsets, centre = prior$mean)
  }
  grid
}

# Each user on points of their own, theta +- reach: a row of log probabilities a response, summed by user.
on_own_points <- function(grid, open, user, item, correct, bank, prior) {
  offsets <- seq(-1, 1, length.out = own_points)
  rows <- which(user %in% open)
  rows <- rows[order(user[rows])]
  for (portion in split(rows, portion_of(user[rows]))) {
    who <- unique(user[portion])
    theta <- grid$theta[who] + outer(grid$reach[who], offsets)
    row <- match(user[portion], who)
    j <- item[portion]
    log_p <- log_probabilities(bank$a[j] * (theta[row, , drop = FALSE] - bank$b[j]), bank$c[j])
    log_p <- correct[portion] * log_p$right + (1L - correct[portion]) * log_p$wrong
    log_density <- rowsum(log_p, row) - 0.5 * ((theta - prior$mean) / prior$sd)^2
    grid <- take_moments(grid, who, log_density, offsets, centre = grid$theta[who])
  }
  grid
}

# The number of the portion that each row is worked in: a user's rows stay together. `user` is sorted.
portion_of <- function(user) {
  starts <- c(TRUE, diff(user) != 0L)
  ((seq_along(user) - 1L) %/% rows_at_once)[starts][cumsum(starts)]
}

# log P(wrong) and log P(right) at each logit z = a (theta - b); a row of z an item, or a response, and its guessing c.
log_probabilities <- function(z, c) {
  right <- stats::plogis(z, log.p = TRUE)
  wrong <- right - z + log1p(-c) # 1 - plogis(z) = plogis(z) exp(-z)
  guessed <- which(c > 0)
  right[guessed, ] <- log(c[guessed] + (1 - c[guessed]) * exp(right[guessed, ]))
  list(wrong = wrong, right = right)
}

# The grid with the posterior mean and SD of the users `who`, whose log densities have a row each. Moments are taken in
# offsets from the centre: with theta^2 itself, a narrow posterior far from 0 would cancel.
take_moments <- function(grid, who, log_density, offsets, centre) {
  peak <- log_density[cbind(seq_along(who), max.col(log_density, ties.method = "first"))]
  if (!all(is.finite(peak))) {
    refuse("A posterior is zero all over its grid: some a, b or prior is too extreme.", "item_params")
  }
  density <- exp(log_density - peak)
  # Not density %*% ...: BLAS sums in an order that depends on how many users there are.
  mass <- rowSums(density)
  density_at <- density * rep(offsets, each = length(who))
  first <- rowSums(density_at) / mass
  second <- rowSums(density_at * rep(offsets, each = length(who))) / mass
  grid$theta[who] <- centre + grid$reach[who] * first
  grid$se[who] <- grid$reach[who] * sqrt(pmax(second - first^2, 0))
  grid$at_end[who] <- pmax(density[, 1L], density[, length(offsets)])
  grid$spacing[who] <- 2 * grid$reach[who] / (length(offsets) - 1L)
  grid
}
