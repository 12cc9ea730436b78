/* Which addresses a call may go to, and which only when an operator says so. Pure.
 *
 * Private are all ranges that lead to this machine, its network or to nobody in particular: 0/8, 10/8, 100.64/10,
 * 127/8, 169.254/16 (where clouds keep their keys), 172.16/12, 192.0.0/24, 192.168/16, 198.18/15, 224/3; ::/128,
 * ::1/128, fc00::/7, fe80::/10, fec0::/10, ff00::/8; and the IPv6 forms of the IPv4 ones (::ffff:0:0/96, ::/96,
 * 64:ff9b::/96, 64:ff9b:1::/48, 2002::/16), through which a translator or a tunnel leads to them. */
#pragma once

#include "common/bytes.h"

/* Of an address's 4 or 16 bytes, as they go over the network; of any other number the answer is yes. */
bool address_is_private(struct bytes address);

/* The same of a numeric address in text, without brackets; yes for what is none. A zone ("%eth0") is passed over. */
bool address_text_is_private(const char *text);

/* Is the host of a URL, as libcurl's parser gives it (with brackets around IPv6), an address or "localhost"? Who
 * writes one knows where it leads; what a name leads to is known only once it was looked up. */
bool address_is_literal(const char *host);
