package api

// SchemaRevision is the revision of the schema that this node speaks. It grows by
// one with each change of api/proto, and a client asks for it (GetLog) before it
// uses what an older node would refuse. DESIGN.md of this package says how the
// two meet.
const SchemaRevision = 1
