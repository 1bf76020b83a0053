using System.Globalization;
using System.Text;

namespace Understudy.Generation;

/// <summary>Makes the automaton of a JSON object (RFC 8259) with given fields.</summary>
internal static class JsonGraph
{
    /// <summary>An object with these fields in this order; at most one space at its beginning, after a colon and after a comma.</summary>
    public static ByteGraph Of(IReadOnlyList<JsonField> fields)
    {
        var graph = new ByteGraphBuilder();
        var at = graph.Path(graph.OptionalSpace(ByteGraphBuilder.Start), "{"u8);
        for (var i = 0; i < fields.Count; i++)
        {
            if (i > 0) at = graph.OptionalSpace(graph.Path(at, ","u8));
            at = OneOf(graph, at, [fields[i].Name]);
            at = Value(graph, graph.OptionalSpace(graph.Path(at, ":"u8)), fields[i]);
        }

        graph.Accept(graph.Path(at, "}"u8));
        return graph.Build();
    }

    /// <summary>The node after a value.</summary>
    private static int Value(ByteGraphBuilder graph, int from, JsonField field) => field.Kind switch
    {
        JsonFieldKind.String => JsonStringGraph.Any(graph, from, field.MaxLength, field.AllowsEmpty),
        JsonFieldKind.OneOf => OneOf(graph, from, field.Values),
        JsonFieldKind.Boolean => Boolean(graph, from),
        var kind => Number(graph, from, kind == JsonFieldKind.Number),
    };

    private static int Boolean(ByteGraphBuilder graph, int from)
    {
        var after = graph.Path(from, "true"u8);
        graph.Edge(graph.Path(from, "fals"u8), (byte)'e', new ByteEdge(after));
        return after;
    }

    private static int Number(ByteGraphBuilder graph, int from, bool hasFraction)
    {
        var (sign, zero, digits, after) = (graph.Path(from, "-"u8), graph.Add(), graph.Add(), graph.Add());
        foreach (var node in new[] { from, sign })
        {
            graph.Edge(node, (byte)'0', new ByteEdge(zero));
            graph.Edges(node, '1', '9', new ByteEdge(digits));
        }

        graph.Edges(digits, '0', '9', new ByteEdge(digits));
        List<int> ends = [zero, digits];
        if (hasFraction)
        {
            var (point, fraction, e, exponentSign, exponent) = (graph.Add(), graph.Add(), graph.Add(), graph.Add(), graph.Add());
            foreach (var node in new[] { zero, digits }) graph.Edge(node, (byte)'.', new ByteEdge(point));
            foreach (var node in new[] { point, fraction }) graph.Edges(node, '0', '9', new ByteEdge(fraction));
            foreach (var node in new[] { zero, digits, fraction })
            {
                graph.Edge(node, (byte)'e', new ByteEdge(e));
                graph.Edge(node, (byte)'E', new ByteEdge(e));
            }

            graph.Edge(e, (byte)'+', new ByteEdge(exponentSign));
            graph.Edge(e, (byte)'-', new ByteEdge(exponentSign));
            foreach (var node in new[] { e, exponentSign, exponent }) graph.Edges(node, '0', '9', new ByteEdge(exponent));
            ends.AddRange([fraction, exponent]);
        }

        // A number has no end of its own: what follows it does.
        foreach (var end in ends) graph.Skip(end, after);
        return after;
    }

    /// <summary>A string that is one of these, in any of the ways in which JSON can write it.</summary>
    private static int OneOf(ByteGraphBuilder graph, int from, IReadOnlyList<string> values)
    {
        var (begin, after) = (graph.Path(from, "\""u8), graph.Add());
        var following = new Dictionary<(int Node, Rune Character), int>();
        foreach (var value in values)
        {
            var node = begin;
            foreach (var character in value.EnumerateRunes())
            {
                if (!following.TryGetValue((node, character), out var next))
                {
                    following.Add((node, character), next = graph.Add());
                    Character(graph, node, character, next);
                }

                node = next;
            }

            graph.Edge(node, (byte)'"', new ByteEdge(after));
        }

        return after;
    }

    /// <summary>All ways to write a character: as it stands, as a short escape, by the number of its UTF-16 units.</summary>
    private static void Character(ByteGraphBuilder graph, int from, Rune character, int to)
    {
        Span<byte> utf8 = stackalloc byte[4];
        var length = character.EncodeToUtf8(utf8);
        if (character.Value >= ' ' && character.Value is not ('"' or '\\'))
            graph.Edge(graph.Path(from, utf8[..(length - 1)]), utf8[length - 1], new ByteEdge(to));
        var escape = "\"\\/\b\f\n\r\t".IndexOf(character.ToString(), StringComparison.Ordinal);
        if (escape >= 0) graph.Edge(graph.Path(from, "\\"u8), (byte)"\"\\/bfnrt"[escape], new ByteEdge(to));
        var units = string.Concat(character.ToString().Select(unit => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}")));
        var node = from;
        for (var i = 0; i < units.Length; i++)
        {
            var next = i == units.Length - 1 ? to : graph.Next(node, (byte)units[i]);
            graph.Edge(node, (byte)units[i], new ByteEdge(next));
            // Hexadecimal digits of either case are the same; the 'u' of an escape is always a small one.
            if (units[i] is >= 'a' and <= 'f') graph.Edge(node, (byte)char.ToUpperInvariant(units[i]), new ByteEdge(next));
            node = next;
        }
    }
}
