# SPDX-License-Identifier: Apache-2.0
# The manifest of a .dcf file: normative for field numbers and types; meaning and rules are in
# dcf-format.md, section 4. Columns instead of a struct per tensor: N tensors, C chunks. A column
# whose values would all be zero is left empty where section 4 says so; an empty column is a null
# pointer.
@0xd0cf00a1b2c3d4e5;

struct Manifest {
  names @0 :Data;                    # UTF-8 tensor names, concatenated
  nameLengths @1 :List(UInt16);      # N
  dtypes @2 :Data;                   # N bytes
  ranks @3 :Data;                    # N bytes
  dims @4 :List(UInt64);             # sum of ranks
  encodings @5 :Data;                # N bytes: positions | values << 4
  params @6 :Data;                   # parameter records, concatenated
  tables @7 :List(UInt32);           # one per table role: 0 = none, k = table k; the first is 1
  nonzeros @8 :List(UInt64);         # N
  viewCols @9 :List(UInt32);         # N or empty
  rowsPerChunk @10 :List(UInt32);    # N or empty
  fidelity @11 :Data;                # N bytes or empty
  errorBounds @12 :List(Float64);    # N or empty
  aliases @13 :List(UInt32);         # N or empty: 0 = own data, k = data of tensor k - 1
  opaqueBits @14 :List(UInt16);      # one per opaque tensor
  opaqueNames @15 :Data;
  opaqueNameLengths @16 :Data;       # one byte per opaque tensor
  chunkBytes @17 :List(UInt32);      # C
  chunkEntries @18 :List(UInt32);    # C
  chunkHashes @19 :List(UInt64);     # C
  tableCount @20 :UInt32;
  tableBytes @21 :UInt64;
  tableHash @22 :UInt64;
  metadata @23 :Data;                # UTF-8 keys and values, concatenated
  metadataLengths @24 :List(UInt32); # key, value, key, value, ...
  sectionKinds @25 :List(UInt32);
  sectionBytes @26 :List(UInt64);
  sectionHashes @27 :List(UInt64);
}
