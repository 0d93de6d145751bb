#include "protocol/outputs.h"

#include "protocol/base/ensure.h"

void outputs_clear(struct outputs *outputs)
{
    outputs->count = 0;
    outputs->used = 0;
}

struct jute_writer outputs_write(struct outputs *outputs)
{
    ensure(outputs->used <= outputs->size);
    return jute_writer_of(outputs->octets + outputs->used, outputs->size - outputs->used);
}

struct bytes outputs_keep(struct outputs *outputs, const struct jute_writer *writer)
{
    ensure(!writer->failed);
    ensure(writer->start == outputs->octets + outputs->used);
    outputs->used += writer->used;
    return jute_written(writer, 0);
}

struct output *outputs_add(struct outputs *outputs, enum output_type type)
{
    ensure(outputs->count < outputs->capacity);
    struct output *output = &outputs->items[outputs->count++];
    *output = (struct output){.type = type};
    return output;
}

void outputs_send(struct outputs *outputs, conn_id conn, const struct jute_writer *writer)
{
    struct bytes octets = outputs_keep(outputs, writer);
    struct output *output = outputs_add(outputs, OUTPUT_SEND);
    output->send.conn = conn;
    output->send.octets = octets;
}

void outputs_open(struct outputs *outputs, conn_id conn, enum channel channel, server_id_t server)
{
    ensure((conn & CONN_DIALED) != 0);
    struct output *output = outputs_add(outputs, OUTPUT_OPEN);
    output->open.conn = conn;
    output->open.channel = channel;
    output->open.server = server;
}

void outputs_close(struct outputs *outputs, conn_id conn)
{
    ensure(conn != CONN_NONE);
    outputs_add(outputs, OUTPUT_CLOSE)->close.conn = conn;
}

static struct output *add_disk(struct outputs *outputs, enum output_type type, struct file_name file)
{
    struct output *output = outputs_add(outputs, type);
    output->disk.file = file;
    output->disk.octets = bytes_null();
    return output;
}

/* The caller's octets may lie anywhere; those of an output lie in outputs->octets. */
static struct bytes keep_copy(struct outputs *outputs, struct bytes octets)
{
    if (octets.data >= outputs->octets && octets.data < outputs->octets + outputs->used) {
        return octets;
    }
    struct jute_writer writer = outputs_write(outputs);
    jute_write_raw(&writer, octets);
    return outputs_keep(outputs, &writer);
}

void outputs_append(struct outputs *outputs, struct file_name file, struct bytes octets)
{
    octets = keep_copy(outputs, octets);
    add_disk(outputs, OUTPUT_APPEND, file)->disk.octets = octets;
}

void outputs_fsync(struct outputs *outputs, struct file_name file, uint64_t op)
{
    add_disk(outputs, OUTPUT_FSYNC, file)->disk.op = op;
}

void outputs_truncate(struct outputs *outputs, struct file_name file, uint64_t length, uint64_t op)
{
    struct output *output = add_disk(outputs, OUTPUT_TRUNCATE, file);
    output->disk.length = length;
    output->disk.op = op;
}

void outputs_save(struct outputs *outputs, struct file_name file, struct bytes octets, uint64_t op)
{
    octets = keep_copy(outputs, octets);
    struct output *output = add_disk(outputs, OUTPUT_SAVE, file);
    output->disk.octets = octets;
    output->disk.op = op;
}

void outputs_delete(struct outputs *outputs, struct file_name file)
{
    add_disk(outputs, OUTPUT_DELETE, file);
}

void outputs_load(struct outputs *outputs, uint64_t op)
{
    add_disk(outputs, OUTPUT_LOAD, (struct file_name){0})->disk.op = op;
}

void outputs_observe(struct outputs *outputs, struct observation observation)
{
    outputs_add(outputs, OUTPUT_OBSERVE)->observation = observation;
}

void outputs_exit(struct outputs *outputs, enum exit_reason reason)
{
    outputs_add(outputs, OUTPUT_EXIT)->exit.reason = reason;
}
