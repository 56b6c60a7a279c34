#include "lib/model/message_fit.h"

size_t
message_fit(const struct message_size *sizes, size_t count, struct message_room *room)
{
	size_t taken = 0;

	while (taken < count && room->count > 0 && sizes[taken].bytes <= room->bytes &&
	       sizes[taken].tokens <= room->tokens) {
		room->count--;
		room->bytes -= sizes[taken].bytes;
		room->tokens -= sizes[taken].tokens;
		taken++;
	}
	return taken;
}
