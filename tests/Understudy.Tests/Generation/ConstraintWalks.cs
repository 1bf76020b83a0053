using Understudy.Generation;
using Understudy.Tokenization;

namespace Understudy.Tests.Generation;

/// <summary>Ways through constraints.</summary>
internal static class ConstraintWalks
{
    /// <summary>The tokens that may follow.</summary>
    public static int[] Allowed(TokenConstraintState state, int vocabulary)
    {
        var logits = new float[vocabulary];
        state.Mask(logits);
        return [.. Enumerable.Range(0, vocabulary).Where(id => logits[id] == 0)];
    }

    /// <summary>Goes on with random tokens until the text is whole, or null when that takes more than <paramref name="most"/>.</summary>
    public static List<int>? Random(ITokenConstraint constraint, int vocabulary, int seed, int most = 3000)
    {
        var random = new Random(seed);
        var state = constraint.Begin();
        var tokens = new List<int>();
        while (!state.IsComplete)
        {
            var allowed = Allowed(state, vocabulary);
            Assert.NotEmpty(allowed);
            tokens.Add(allowed[random.Next(allowed.Length)]);
            state.Append(tokens[^1]);
            if (tokens.Count > most) return null;
        }

        return tokens;
    }

    /// <summary>The bytes of a text in random tokens of a vocabulary that has all single bytes.</summary>
    public static List<int> Split(TokenBytes tokens, byte[] text, Random random)
    {
        var ids = new List<int>();
        for (var at = 0; at < text.Length;)
        {
            int[] fitting = [.. Enumerable.Range(0, tokens.Count).Where(id => tokens.Of(id, at == 0).Length > 0 && text.AsSpan(at).StartsWith(tokens.Of(id, at == 0)))];
            ids.Add(fitting[random.Next(fitting.Length)]);
            at += tokens.Of(ids[^1], at == 0).Length;
        }

        return ids;
    }

    /// <summary>Appends tokens, each of which the mask must leave.</summary>
    public static TokenConstraintState Follow(ITokenConstraint constraint, IEnumerable<int> tokens, int vocabulary)
    {
        var state = constraint.Begin();
        foreach (var token in tokens)
        {
            Assert.False(state.IsComplete);
            Assert.Contains(token, Allowed(state, vocabulary));
            state.Append(token);
        }

        return state;
    }
}
