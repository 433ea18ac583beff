#!/bin/bash
set -e
sh ./Ascend-mindie_*.run --quiet --install
mkdir -p /usr/local/Ascend/atb-models
tar -xzf ./Ascend-mindie-atb-models_*.tar.gz -C /usr/local/Ascend/atb-models
pip3 install --no-cache-dir -r requirements_mindie.txt
