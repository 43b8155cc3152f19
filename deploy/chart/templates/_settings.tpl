{{/* The settings of docs/settings.md by name: those of the values, and what the chart itself decides. */}}

{{- define "seedtest.settings" -}}
{{- $values := .Values -}}
{{- $bucket := required "s3.bucket is missing: reports, frozen answers and the runs' output outlast a pod there" $values.s3.bucket -}}
{{- if not (or $values.s3.secret $values.serviceAccount.annotations $values.serviceAccount.podLabels) -}}
{{- fail "s3.secret is empty, and serviceAccount.annotations give the pods no identity: set one of them" -}}
{{- end -}}
{{- if $values.api.enabled -}}
{{- range list "JWKS_URL" "JWT_ISS" "JWT_AUD" -}}
{{- $_ := required (printf "settings.%s is missing: the API believes the tokens of your identity provider alone; set settings.JWKS_URL, JWT_ISS and JWT_AUD, or api.enabled=false" .) (get $values.settings .) -}}
{{- end -}}
{{- end -}}
{{- $own := dict
  "SEEDTEST_HOME" "/data/seedtest" "HOME" "/data" "TMPDIR" "/data"
  "S3_BUCKET" $bucket "RUNS_AT_ONCE" (toString $values.runs.atOnce) "API_DRAIN_SECS" (toString $values.api.drainSeconds)
  "DAGSTER_EVENT_BATCH_SIZE" "1000" "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS" "1"
  "DAGSTER_GRPC_TIMEOUT_SECONDS" "180" "DAGSTER_DISABLE_TELEMETRY" "1"
-}}
{{- if $values.s3.region }}{{ $_ := set $own "AWS_REGION" $values.s3.region }}{{ $_ := set $own "AWS_DEFAULT_REGION" $values.s3.region }}{{ end -}}
{{- if $values.s3.endpoint }}{{ $_ := set $own "AWS_ENDPOINT_URL_S3" $values.s3.endpoint }}{{ end -}}
{{- if $values.cloudfront.secret }}{{ $_ := set $own "CLOUDFRONT_PRIVATE_KEY_FILE" "/etc/cloudfront/private-key.pem" }}{{ end -}}
{{- if $values.rIrt.enabled }}{{ $_ := set $own "R_IRT_BASE_URL" (printf "http://%s-r-irt:8000" .Release.Name) }}{{ end -}}
{{- range $name, $value := $values.settings -}}
{{- /* A whole number of values is a float here, and a million would be 1e+06. */ -}}
{{- $_ := set $own $name (ternary (toString (int64 $value)) (toString $value) (and (kindIs "float64" $value) (eq (floor $value) $value))) -}}
{{- end -}}
{{- toJson $own -}}
{{- end }}
