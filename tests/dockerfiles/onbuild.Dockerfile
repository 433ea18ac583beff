FROM python:3.11 AS template
ONBUILD ARG EXTRA=none
ONBUILD COPY requirements.txt /tmp/
ONBUILD RUN pip install -r /tmp/requirements.txt -f http://172.17.0.1:3000/wheels/
FROM template AS app
RUN echo $EXTRA && wget http://172.17.0.1:3000/${EXTRA}.whl
FROM app
RUN echo "$EXTRA"
