using Understudy.Models;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>An adapter's folder as a run leaves it: PEFT's files, and beside them how the base is held, which the adapter was tuned on.</summary>
internal static class AdaptedModel
{
    // Not in adapter_config.json: older versions of PEFT refuse keys that they do not know.
    private const string HoldingName = "understudy_base.json";

    /// <summary>Saves an adapter.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="model">Its base.</param>
    /// <param name="held">How the base is held.</param>
    public static void Save(LoraAdapter adapter, string folder, IPretrainedModel model, LoraOptions held)
    {
        Directory.CreateDirectory(folder);
        Storage.Replace(Path.Combine(folder, HoldingName), RunJson.Text(new Held(held.BaseDtype, held.BaseQuantization)));
        AdapterFolder.Save(adapter, folder, model);
    }

    /// <summary>How the base of an adapter is loaded.</summary>
    /// <param name="folder">The adapter's folder.</param>
    /// <param name="device">Where the weights are put.</param>
    /// <exception cref="InvalidDataException">What is noted beside the adapter cannot be read.</exception>
    public static LoadOptions Holding(string folder, Device device)
    {
        var file = Path.Combine(folder, HoldingName);
        if (!File.Exists(file)) return new LoadOptions { Device = device };
        var held = RunJson.Read<Held>(file);
        return new LoadOptions { Device = device, DType = held.Dtype.ToScalarType(), Quantization = held.Quantization };
    }

    private sealed record Held(WeightType Dtype, WeightQuantization Quantization);
}
