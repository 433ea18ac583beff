RUN echo before
FROM
FROM ubuntu:22.04 AS one two
FROM ${NOTHING}
FORM ubuntu
FROM ubuntu:22.04 AS 1st
FROM ubuntu:22.04 AS dup
COPY --from=9 /a /b
COPY --from=$VAR /a /b
COPY --from=later /a /b
FROM dup AS dup
FROM dup AS later
COPY --from=later /a /b
RUN <<END
never ends
