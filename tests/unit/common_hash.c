/* Stores are checked by these hashes and know ids by them: they must stay what they were when a store was written. */
#include "tests/unit/unit.h"

#include "common/hash.h"

/* Of a text of each length at which XXH3 goes another way. */
static const struct {
        size_t len;
        uint64_t seed, hash, low, high;
} known[] = {
        {0, UINT64_C(0x0), UINT64_C(0x2d06800538d394c2), UINT64_C(0x6001c324468d497f), UINT64_C(0x99aa06d3014798d8)},
        {1, UINT64_C(0x0), UINT64_C(0xe12ef9d2eb86ceeb), UINT64_C(0xe12ef9d2eb86ceeb), UINT64_C(0x51025a4491835505)},
        {3, UINT64_C(0x0), UINT64_C(0x5c83885a0fb5d516), UINT64_C(0x5c83885a0fb5d516), UINT64_C(0xf727126d6288a4bd)},
        {4, UINT64_C(0x0), UINT64_C(0x244f36de481e7522), UINT64_C(0x217908f07519e96e), UINT64_C(0x6a20c426eb2da17d)},
        {8, UINT64_C(0x0), UINT64_C(0x96cc97a6768fd7a9), UINT64_C(0x4506373ef0af21f8), UINT64_C(0xdd669d5507e0e940)},
        {9, UINT64_C(0x0), UINT64_C(0x4781d83b8e99d495), UINT64_C(0xa51b142882780bcb), UINT64_C(0x781bfd0e8d95a9ad)},
        {16, UINT64_C(0x0), UINT64_C(0x913bd4a8038027a7), UINT64_C(0x49bf196d35649b79), UINT64_C(0x6c53b945f90d6798)},
        {17, UINT64_C(0x0), UINT64_C(0x2bf6f66973a6179d), UINT64_C(0x94ad051aea796d7e), UINT64_C(0xf889d91b7faf2082)},
        {64, UINT64_C(0x0), UINT64_C(0x13886553e7dc3fa3), UINT64_C(0x92fd891d246fb531), UINT64_C(0x49b043631b5d4d51)},
        {128, UINT64_C(0x0), UINT64_C(0xc4399c7829d0628f), UINT64_C(0xd480e3bdeadbf37f), UINT64_C(0x776e5a2cae08df3b)},
        {129, UINT64_C(0x0), UINT64_C(0x8433489056750b32), UINT64_C(0x6a4dda91524c13ef), UINT64_C(0xb550da2f04225655)},
        {240, UINT64_C(0x0), UINT64_C(0x3c0bb96864e543a1), UINT64_C(0x4f23bfd3609734e8), UINT64_C(0x3f558c88fda1da66)},
        {241, UINT64_C(0x0), UINT64_C(0xbff7215089202d8f), UINT64_C(0xbff7215089202d8f), UINT64_C(0x9ea4272027cb71fc)},
        {300, UINT64_C(0x0), UINT64_C(0x935960848d04785c), UINT64_C(0x935960848d04785c), UINT64_C(0xf3923d2b852d817a)},
        {0, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x602b0e2cd6662c8b), UINT64_C(0x4ca5176998171787),
         UINT64_C(0xd142977a2cca554b)},
        {1, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x439a256d3da4e7e3), UINT64_C(0x439a256d3da4e7e3),
         UINT64_C(0xd5b58916903197bd)},
        {3, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x8840137a8295d79b), UINT64_C(0x8840137a8295d79b),
         UINT64_C(0xa1b111d128605a2f)},
        {4, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x89af97f4a1e8d1fc), UINT64_C(0x1e7339f4c393e707),
         UINT64_C(0x1e491c62fb445d07)},
        {8, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x7f7986a4ac5342b6), UINT64_C(0x4fdfeb4eddbadeb4),
         UINT64_C(0xee0c0bcce904c11a)},
        {9, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xa9fd0dd2db7e1fc7), UINT64_C(0x47f25260d9229af0),
         UINT64_C(0x4d6ffcfc75773524)},
        {16, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xcdf0cbaa77afe281), UINT64_C(0xf7951ebf912c77d2),
         UINT64_C(0x25528fb363a1992)},
        {17, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x51290e3ab460cf3f), UINT64_C(0x18f7f9a2b101602b),
         UINT64_C(0xcf6cfc1555be2820)},
        {64, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x20cffc72fc760dfe), UINT64_C(0x88c5d9a0b430b7f3),
         UINT64_C(0xbb74856e04def5fc)},
        {128, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xb4852aec21eb5644), UINT64_C(0xcc5b266ed49acaaf),
         UINT64_C(0x7d4af4c94767e5e7)},
        {129, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xeea48e728c6ca28a), UINT64_C(0x87639d2724d86703),
         UINT64_C(0x36b93d351fb2495)},
        {240, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xfdbbfb1fa843fe64), UINT64_C(0x29b5766a2a33946f),
         UINT64_C(0x5c3abbef33075941)},
        {241, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xdbbc9f7c061b0878), UINT64_C(0xdbbc9f7c061b0878),
         UINT64_C(0xf35ead012f2ee000)},
        {300, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbb3392d9a3c2375), UINT64_C(0xbb3392d9a3c2375),
         UINT64_C(0x14b6f0468090fa5d)},
};

static void hashes_stay_what_they_are(void **state) {
        uint8_t text[300];

        for (size_t i = 0; i < sizeof text; i++)
                text[i] = (uint8_t)(i * 7 + 1);
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
                struct bytes bytes = {text, known[i].len};

                assert_true(hash_64(known[i].seed, bytes) == known[i].hash);
                assert_true(hash_128(known[i].seed, bytes).low == known[i].low);
                assert_true(hash_128(known[i].seed, bytes).high == known[i].high);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(hashes_stay_what_they_are)};

        return cmocka_run_group_tests_name("common/hash", tests, NULL, NULL);
}
