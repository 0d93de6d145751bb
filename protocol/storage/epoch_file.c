#include "protocol/storage/epoch_file.h"

static bool is_space(uint8_t octet)
{
    return octet <= ' ';
}

static bool is_digit(uint8_t octet)
{
    return octet >= '0' && octet <= '9';
}

bool epoch_parse(const uint8_t *octets, uint64_t length, epoch_t *epoch)
{
    const uint8_t *at = octets;
    const uint8_t *end = length == 0 ? octets : octets + length;
    while (at < end && is_space(*at)) {
        at++;
    }
    while (at < end && is_space(end[-1])) {
        end--;
    }
    bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    uint64_t value = 0;
    if (at == end) {
        return false;
    }
    for (; at < end; at++) {
        if (!is_digit(*at) || value > (uint64_t)(INT64_MAX - 9) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(*at - '0');
    }
    *epoch = is_negative ? -(epoch_t)value : (epoch_t)value;
    return true;
}

void epoch_write(struct jute_writer *writer, epoch_t epoch)
{
    uint8_t text[20];
    size_t at = sizeof text;
    uint64_t value = epoch < 0 ? 0U - (uint64_t)epoch : (uint64_t)epoch;
    do {
        text[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    if (epoch < 0) {
        text[--at] = '-';
    }
    jute_write_raw(writer, (struct bytes){text + at, (int32_t)(sizeof text - at)});
}

static const struct disk_file *find_file(struct disk_image image, enum file_kind kind)
{
    for (size_t i = 0; i < image.count; i++) {
        if (image.files[i].name.kind == kind) {
            return &image.files[i];
        }
    }
    return NULL;
}

/* False if the file is there and no number. */
static bool load_epoch(struct disk_image image, enum file_kind kind, epoch_t *epoch, bool *is_missing)
{
    const struct disk_file *file = find_file(image, kind);
    *is_missing = file == NULL;
    return file == NULL || epoch_parse(file->octets, file->length, epoch);
}

enum epoch_status epochs_load(struct epochs *epochs, struct disk_image image, zxid_t last_zxid)
{
    epoch_t of_log = zxid_epoch(last_zxid);
    *epochs = (struct epochs){.accepted = of_log, .current = of_log};
    if (!load_epoch(image, FILE_CURRENT_EPOCH, &epochs->current, &epochs->write_current) ||
        !load_epoch(image, FILE_ACCEPTED_EPOCH, &epochs->accepted, &epochs->write_accepted)) {
        return EPOCH_BAD_FILE;
    }
    if (of_log > epochs->current) {
        return EPOCH_CURRENT_BEHIND_LOG;
    }
    return epochs->accepted < epochs->current ? EPOCH_ACCEPTED_BEHIND_CURRENT : EPOCH_OK;
}
