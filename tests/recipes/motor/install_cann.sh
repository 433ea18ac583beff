#!/bin/bash
set -e
for part in toolkit 910b-ops nnal; do
    sh ./Ascend-cann-${part}_*.run --quiet --install --install-for-all
done
