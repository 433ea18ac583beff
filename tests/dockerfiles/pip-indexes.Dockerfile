FROM python:3.11
ENV PIP_INDEX_URL=http://172.17.0.1:3000/simple
ARG IDX=http://172.17.0.1:3000/extra
RUN pip install --extra-index-url $IDX --trusted-host 172.17.0.1 torch==2.9.0
RUN python3 -m pip install --no-cache-dir --find-links=http://172.17.0.1:3000/ torch_npu
RUN pip3 install -r http://172.17.0.1:3000/requirements.txt --no-cache-dir
RUN pip install --no-cache-dir "torch @ http://172.17.0.1:3000/torch-2.9.0.whl" http://172.17.0.1:3000/apex-0.1.whl#sha256=00
RUN pip config set global.index-url http://172.17.0.1:3000/simple
RUN pip list
RUN pip install --no-cache-dir --extra-index http://172.17.0.1:3000/short --pypi-url=http://172.17.0.1:3000/old torch
RUN uv pip install --no-cache --index ascend=http://172.17.0.1:3000/uv --default-index http://172.17.0.1:3000/main torch
