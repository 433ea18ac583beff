#!/bin/bash
set -e
pip3 install --no-cache-dir -r requirements.txt
pip3 install --no-cache-dir ./torch-*.whl
pip3 install --no-cache-dir ./torch_npu-*.whl
