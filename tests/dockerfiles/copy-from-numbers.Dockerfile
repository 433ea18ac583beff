FROM golang:1.22
WORKDIR /src
COPY go.* ./
RUN go build -o /out/app
FROM node:20
RUN npm run build
FROM gcr.io/distroless/base
COPY --from=0 /out/app /app
COPY --from=1 /web/dist /web
COPY --from=busybox:1.36 /bin/busybox /bin/busybox
