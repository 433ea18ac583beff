# Nothing but a base, chosen by arguments
ARG VARIANT=a
ARG A_IMAGE=ubuntu:22.04 B_IMAGE=debian:12
FROM ${A_IMAGE} AS from-a
FROM ${B_IMAGE} AS from-b
FROM from-${VARIANT} AS chosen
