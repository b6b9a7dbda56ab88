#!/bin/sh
# Secrets are files; some programs know only variables. NAME_FILE=/run/secrets/x becomes NAME.
set -eu
secrets=${SECRETS_FOLDER:-/run/secrets}
for pair in $(env | sed -n "s|^\([A-Z][A-Z0-9_]*\)_FILE=\($secrets/.*\)\$|\1=\2|p"); do
    name=${pair%%=*}
    file=${pair#*=}
    if [ ! -r "$file" ]; then
        echo "entrypoint: ${name}_FILE names $file, which cannot be read: run docker/setup.sh" >&2
        exit 3
    fi
    value=$(cat "$file")
    export "$name=$value"
done
exec "$@"
