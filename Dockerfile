# The image of the operator: built from locked wheels alone, run without a shell, as nobody, from a tree that is only read.
# Both bases are Debian 13 with Python 3.13: what the build installs, the image can load.

# The bill of materials. What writes it has a stage of its own: nothing of it comes near what the image is made of.
FROM docker.io/library/python:3.13-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS sbom
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements-sbom.lock requirements-runtime.lock pyproject.toml ./
RUN python -m pip install --require-hashes --no-deps --requirement requirements-sbom.lock \
 && python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
    --output-file mailtrap-operator.cdx.json requirements-runtime.lock

FROM docker.io/library/python:3.13-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements-build.lock requirements-runtime.lock ./
RUN python -m pip install --require-hashes --no-deps --requirement requirements-build.lock \
 && python -m pip install --require-hashes --no-deps --no-compile --target /app --requirement requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator/mailtrap_operator operator/mailtrap_operator
# The bytecode is never checked against the sources: nothing in the image changes, and nothing can be written there.
RUN python -m pip install --no-index --no-deps --no-build-isolation --no-compile --target /app . \
 && rm -r /app/bin \
 && python -m compileall -q --invalidation-mode unchecked-hash /app

FROM gcr.io/distroless/python3-debian13:nonroot@sha256:83aa8d4f74a4d7f7cf2d472054139bef71a927b76c680c0f2e1021d6b1d6d732
ARG VERSION
ARG REVISION
ARG SOURCE
ARG CREATED
LABEL org.opencontainers.image.title="mailtrap-operator" \
      org.opencontainers.image.description="A Kubernetes operator that keeps Mailtrap API tokens alive in Secrets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}"
# A name and a home, for whatever user id the cluster gives it.
ENV HOME=/ \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    USER=mailtrap-operator
COPY --from=build /app /app
COPY --from=sbom /src/mailtrap-operator.cdx.json /usr/share/sbom/
USER 65532:65532
# The base's own is the home of its user, where no other user may be.
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["/usr/bin/python3", "-m", "mailtrap_operator"]
CMD ["run"]
