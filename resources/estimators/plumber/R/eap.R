# Expected a posteriori ability: posterior mean and SD under a normal prior, for many users at once and for each as if
# alone. The rule, per user (resources/irt/eap.py is the same in Python, and says why and how exact it is):
#
# 1. 121 equally spaced points, spacing h: from -6 to 6 where |prior mean| <= 4 and prior SD <= 1, else over prior mean
#    +- 6 SD. Density = prior times likelihood, from logarithms less their maximum: products of 5,000 probabilities
#    underflow. m and s are its mean and SD; m' and s' the same from every other point, the first and the last included.
# 2. Done if h <= s, |m' - m| and |s' - s| are at most .001 s, and the density at both ends is at most 1e-7 of its
#    maximum.
# 3. Else the same with 241, then 481 points.
# 4. Else in rounds k = 1 to 8 the same with 120 * 2^(k-1) + 1 points over m +- w. Where an end was above 1e-7, w is
#    twice the last half-width; where not, 8 max(s, h), but not above the last half-width.
#
# Source: Bock & Mislevy (1982), Applied Psychological Measurement 6(4), 431-444.

shared_points <- c(121L, 241L, 481L)
own_points <- 120L * 2L^(0:7) + 1L
common_reach <- 6
ordinary_mean <- 4
ordinary_sd <- 1
reach_prior_sds <- 6
negligible <- 1e-7
half_grid <- 1e-3
users_at_once <- 2048L # 8 MB a matrix of users x 481 points
cells_at_once <- 2e6 # 16 MB a matrix of responses x points, or one user's whole history

# `user` (1 to n_users), `item` (row of the bank) and `correct` (0 or 1) have one entry a response; every user has one.
# Gives theta and se in logits, one entry a user.
eap <- function(user, item, correct, n_users, bank, prior) {
  n_items <- length(bank$a)
  answers <- Matrix::sparseMatrix(
    i = item + n_items * correct, j = user, x = 1, dims = c(2L * n_items, n_users), check = FALSE
  )
  ordinary <- abs(prior$mean) <= ordinary_mean && prior$sd <= ordinary_sd
  centre <- if (ordinary) 0 else prior$mean
  reach <- if (ordinary) common_reach else reach_prior_sds * prior$sd
  unknown <- rep(NA_real_, n_users)
  grid <- list(
    theta = unknown, se = unknown, at_end = unknown, spacing = unknown, reach = rep(reach, n_users),
    resolved = logical(n_users)
  )
  for (n_points in shared_points) {
    open <- which(!grid$resolved)
    if (length(open) > 0L) grid <- on_shared_points(grid, open, centre, reach, answers, n_points, bank, prior)
  }
  for (n_points in own_points) {
    open <- which(!grid$resolved)
    if (length(open) == 0L) break
    narrower <- pmin(grid$reach[open], 8 * pmax(grid$se[open], grid$spacing[open]))
    grid$reach[open] <- ifelse(grid$at_end[open] > negligible, 2 * grid$reach[open], narrower)
    grid <- on_own_points(grid, n_points, user, item, correct, bank, prior)
  }
  if (!all(grid$resolved)) {
    refuse("A posterior is too narrow or too far out for any grid: some a, b or prior is too extreme.", "item_params")
  }
  grid[c("theta", "se")]
}

# The users `open` on the same points, centre +- reach: one table of log probabilities, and the log-likelihoods are one
# sparse product.
on_shared_points <- function(grid, open, centre, reach, answers, n_points, bank, prior) {
  offsets <- seq(-1, 1, length.out = n_points)
  theta <- centre + reach * offsets
  log_p <- log_probabilities(outer(bank$a, theta) - bank$a * bank$b, bank$c)
  log_p <- rbind(log_p$wrong, log_p$right)
  log_prior <- -0.5 * ((theta - prior$mean) / prior$sd)^2
  for (who in split(open, (seq_along(open) - 1L) %/% users_at_once)) {
    log_likelihood <- as.matrix(Matrix::crossprod(answers[, who, drop = FALSE], log_p))
    log_density <- log_likelihood + rep(log_prior, each = length(who))
    grid <- take_moments(grid, who, log_density, offsets, centre)
  }
  grid
}

# Each user not resolved on points of their own, theta +- reach: a row of log probabilities a response, summed by user.
on_own_points <- function(grid, n_points, user, item, correct, bank, prior) {
  offsets <- seq(-1, 1, length.out = n_points)
  rows <- which(!grid$resolved[user])
  rows <- rows[order(user[rows])]
  for (portion in split(rows, portion_of(user[rows], cells_at_once %/% n_points))) {
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

# The number of the portion, of about `size` rows, that each row is worked in: a user's rows stay together. `user` is
# sorted.
portion_of <- function(user, size) {
  starts <- c(TRUE, diff(user) != 0L)
  ((seq_along(user) - 1L) %/% size)[starts][cumsum(starts)]
}

# log P(wrong) and log P(right) at each logit z = a (theta - b); a row of z an item, or a response, and its guessing c.
log_probabilities <- function(z, c) {
  right <- stats::plogis(z, log.p = TRUE)
  wrong <- right - z + log1p(-c) # 1 - plogis(z) = plogis(z) exp(-z)
  guessed <- which(c > 0)
  right[guessed, ] <- log(c[guessed] + (1 - c[guessed]) * exp(right[guessed, ]))
  list(wrong = wrong, right = right)
}

# The grid with what these points say of the users `who`, whose log densities have a row each.
take_moments <- function(grid, who, log_density, offsets, centre) {
  peak <- log_density[cbind(seq_along(who), max.col(log_density, ties.method = "first"))]
  if (!all(is.finite(peak))) {
    refuse("A posterior is not finite: some a, b or prior is too extreme.", "item_params")
  }
  density <- exp(log_density - peak)
  every_other <- seq.int(1L, length(offsets), by = 2L)
  full <- mean_and_sd(density, offsets)
  half <- mean_and_sd(density[, every_other, drop = FALSE], offsets[every_other])
  at_end <- pmax(density[, 1L], density[, length(offsets)])
  spacing <- offsets[2L] - offsets[1L]
  off <- pmax(abs(half$mean - full$mean), abs(half$sd - full$sd))
  grid$theta[who] <- centre + grid$reach[who] * full$mean
  grid$se[who] <- grid$reach[who] * full$sd
  grid$spacing[who] <- grid$reach[who] * spacing
  grid$at_end[who] <- at_end
  grid$resolved[who] <- spacing <= full$sd & off <= half_grid * full$sd & at_end <= negligible
  grid
}

# In offsets from the centre, where theta^2 itself would cancel for a narrow posterior far from 0. Not by density %*%
# offsets: BLAS sums in an order that depends on how many users there are.
mean_and_sd <- function(density, offsets) {
  at <- rep(offsets, each = nrow(density))
  mass <- rowSums(density)
  weighted <- density * at
  mean <- rowSums(weighted) / mass
  list(mean = mean, sd = sqrt(pmax(rowSums(weighted * at) / mass - mean^2, 0)))
}
