namespace Understudy.Parity;

/// <summary>Compares a model folder that holds <c>expected.json</c> and <c>expected.safetensors</c> with what this library computes from it.</summary>
public static class ModelParity
{
    /// <summary>Whether a folder is one of these.</summary>
    public static bool Recognises(string folder) => File.Exists(Path.Combine(folder, "expected.json")) && File.Exists(Path.Combine(folder, "expected.safetensors"));

    /// <summary>Makes every comparison that the folder allows.</summary>
    /// <param name="folder">The model folder.</param>
    /// <exception cref="InvalidDataException">The folder is damaged.</exception>
    public static IEnumerable<ParityCheck> Run(string folder)
    {
        using var golden = new GoldenTensors(folder);
        // What a reference holds says what it is a reference of.
        Func<string, GoldenTensors, IEnumerable<ParityCheck>> run =
            golden.Has("logits_adapter") ? AdapterParity.Run
            : golden.Has("logits_right") ? CausalModelParity.Run
            : golden.Has("sources") ? SequenceToSequenceParity.Run
            : golden.Has("input_ids") ? MaskedModelParity.Run
            : ClassifierParity.Run;
        foreach (var check in run(folder, golden))
        {
            yield return check;
        }
    }
}
