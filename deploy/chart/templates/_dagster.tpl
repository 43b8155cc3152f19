{{/* A Deployment of one of Dagster's long-lived processes; `container` is what differs. */}}

{{- define "seedtest.dagster" -}}
{{- $root := .root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "seedtest.metadata" . | nindent 2 }}
spec:
  replicas: 1
  {{- if .alone }}
  strategy: {type: Recreate} # two daemons would each start every run
  {{- end }}
  selector:
    matchLabels:
      {{- include "seedtest.labels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "seedtest.labels" . | nindent 8 }}
        {{- with $root.Values.serviceAccount.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ printf "%s%s%s" (include "seedtest.settings" $root) (include "seedtest.runPods" $root) ($root.Files.Get "dagster.yaml") | sha256sum }}
    spec:
      serviceAccountName: {{ $root.Release.Name }}-{{ .account }}
      automountServiceAccountToken: {{ eq .account "dagster" }}
      securityContext:
        {{- include "seedtest.podSecurity" $root | nindent 8 }}
      {{- with include "seedtest.pullSecrets" $root }}
      imagePullSecrets:
        {{- . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "seedtest.pipelineImage" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          env:
            - {name: DAGSTER_HOME, value: /etc/seedtest}
            {{- if eq .account "dagster" }}
            - {name: RUN_PODS_FILE, value: /etc/seedtest/run-pods.yaml}
            {{- end }}
          envFrom:
            {{- include "seedtest.envFrom" $root | nindent 12 }}
          securityContext:
            {{- include "seedtest.containerSecurity" $root | nindent 12 }}
          volumeMounts:
            {{- include "seedtest.mounts" $root | nindent 12 }}
            - {name: dagster, mountPath: /etc/seedtest, readOnly: true}
          resources:
            {{- toYaml (get $root.Values .component).resources | nindent 12 }}
          {{- .container | nindent 10 }}
      volumes:
        {{- include "seedtest.volumes" $root | nindent 8 }}
        - {name: dagster, configMap: {name: {{ $root.Release.Name }}-dagster}}
{{- end }}
