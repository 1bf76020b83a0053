using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>Picks the next tokens of many rows from their lines of logits. Not thread-safe.</summary>
internal sealed class LinePicker
{
    // What torch.argmax_lines and torch.draw_lines give in place of a token.
    private const int NoNumbers = -1;
    private const int NothingAllowed = -2;

    private readonly SamplingScratch[] scratches = [.. Enumerable.Range(0, LogitWork.MostWorkers).Select(_ => new SamplingScratch())];

    /// <summary>Picks a token for every row.</summary>
    /// <param name="logits">[at least as many lines, vocabulary] float32 on the CPU; overwritten where rows have processors.</param>
    /// <param name="lines">Lines that count.</param>
    /// <param name="rows">The rows, each with a line of its own.</param>
    /// <returns>As many tokens; what one of a row with a fault is says nothing.</returns>
    internal int[] Pick(Tensor logits, int lines, IReadOnlyList<(EngineRow Row, int Line)> rows)
    {
        var tokens = new int[rows.Count];
        Array.Fill(tokens, int.MinValue);
        Process(logits, rows, tokens);
        if (rows.Any(row => row.Row.Settings is { DoSample: false }))
        {
            var most = new int[lines];
            torch.argmax_lines(logits, most);
            for (var i = 0; i < tokens.Length; i++)
            {
                if (!rows[i].Row.Settings.DoSample) tokens[i] = most[rows[i].Line];
            }
        }

        int[] drawn = [.. Enumerable.Range(0, tokens.Length).Where(i => rows[i].Row.Draw is not null)];
        var found = new int[drawn.Length];
        torch.draw_lines(logits, [.. drawn.Select(i => rows[i].Row.Draw!.Line(rows[i].Line, rows[i].Row.Random!.NextDouble()))], found);
        for (var i = 0; i < drawn.Length; i++) tokens[drawn[i]] = found[i];
        for (var i = 0; i < tokens.Length; i++)
        {
            if (tokens[i] == NoNumbers) rows[i].Row.Fail(EngineFaults.NoNumbers());
            else if (tokens[i] == NothingAllowed) rows[i].Row.Fail(EngineFaults.NothingAllowed());
        }

        return tokens;
    }

    /// <summary>Lets every row's processors change its logits; what cannot be drawn in one go is picked at once.</summary>
    private void Process(Tensor logits, IReadOnlyList<(EngineRow Row, int Line)> rows, int[] tokens)
    {
        int[] changed = [.. Enumerable.Range(0, rows.Count).Where(i => rows[i].Row.HasProcessors)];
        if (changed.Length == 0) return;
        var vocabulary = (int)logits.size(1);
        LogitWork.Run(changed.Length * (long)vocabulary, changed.Length, scratches.Length, (worker, workers) =>
        {
            for (var at = worker; at < changed.Length; at += workers)
            {
                var (row, line) = rows[changed[at]];
                var place = changed[at];
                row.Try(() =>
                {
                    var own = logits.data<float>().Slice(line * vocabulary, vocabulary);
                    if (row is { Settings.DoSample: true, Draw: null }) tokens[place] = row.Pick(own, scratches[worker]);
                    else row.Process(own, scratches[worker]);
                });
            }
        });
    }
}
