#!/bin/sh
# Starts SeaweedFS in a container, and has it sync each write before it answers, which it does not do unless told. The
# order is kept with its data; saying it again does no harm.
until printf 'lock\nfs.configure -locationPrefix=/buckets/ -fsync -apply\nunlock\n' |
    weed shell -master=127.0.0.1:9333 -filer=127.0.0.1:8888 2>&1 | grep -q '"fsync": *true'; do
    sleep 1
done && touch /tmp/syncs-each-write &
exec weed -logtostderr=true mini -dir=/data -ip=127.0.0.1 -ip.bind=0.0.0.0 -s3.config=/etc/seaweedfs-keys/s3.json \
    -s3.port=8333 -master.telemetry=false -webdav=false -admin.ui=false -s3.port.iceberg=0 -s3.port.lance=0 \
    -s3.allowDeleteBucketNotEmpty=false -master.volumeSizeLimitMB=1024 -volume.max=2000
