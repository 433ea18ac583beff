#!/bin/bash
set -e
for part in toolkit kernels-910b nnal; do
    sh ./Ascend-cann-${part}_*.run --quiet --install --install-for-all
done
