# Marquee's one image: the three services and the one-shot setup differ by command only (compose.yaml).
# Python packages come from the hashed lock, PyTorch as its CPU build.

FROM python:3.13-slim AS build
WORKDIR /src
ENV PIP_CACHE_DIR=/cache/pip UV_CACHE_DIR=/cache/uv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
COPY requirements requirements
RUN --mount=type=cache,target=/cache \
    python requirements/install.py run --torch cpu --venv /opt/marquee --only-lock
COPY pyproject.toml README.md ./
COPY service_kit service_kit
COPY indexer indexer
COPY embedding_generator embedding_generator
COPY recommender_api recommender_api
COPY core_api core_api
COPY marquee marquee
RUN --mount=type=cache,target=/cache \
    python requirements/install.py run --torch cpu --venv /opt/marquee --no-editable

FROM python:3.13-slim
COPY --from=build /opt/marquee /opt/marquee
# Named volumes take over the owner of the folder that they cover.
RUN groupadd --gid 10001 marquee \
    && useradd --uid 10001 --gid marquee --no-create-home --shell /usr/sbin/nologin marquee \
    && install -d -o marquee -g marquee /var/lib/marquee /var/cache/marquee
ENV PATH=/opt/marquee/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MARQUEE_HOME=/var/lib/marquee \
    XDG_CACHE_HOME=/var/cache/marquee \
    HF_HOME=/var/cache/marquee/huggingface
WORKDIR /var/lib/marquee
USER 10001:10001
CMD ["marquee", "--help"]
