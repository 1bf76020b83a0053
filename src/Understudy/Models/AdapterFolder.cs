using System.Text.Json;
using Understudy.Box;
using Understudy.Data;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>PEFT's folders: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
public static class AdapterFolder
{
    /// <summary>Name of the configuration.</summary>
    public const string ConfigName = "adapter_config.json";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Whether a folder holds an adapter, which needs its base to be used.</summary>
    public static bool Recognises(string folder) => File.Exists(Path.Combine(folder, ConfigName));

    /// <summary>What the adapter of a folder looks like.</summary>
    /// <exception cref="InvalidDataException">There is none, or it asks for something that is not supported.</exception>
    public static LoraConfig ReadConfig(string folder)
    {
        var file = Path.Combine(folder, ConfigName);
        return File.Exists(file)
            ? LoraConfigFile.Read(ConfigJson.ReadFile(file))
            : throw new InvalidDataException($"{folder} is not a PEFT folder: it has no {ConfigName}. Expected {ConfigName} and {Checkpoint.AdapterWeightsName}.");
    }

    /// <summary>The folder of an adapter's base: <c>base_model_name_or_path</c> seen from the adapter's folder or from here, or where it says <c>box://NAME</c> in the box, or its last part beside the adapter's folder.</summary>
    /// <param name="folder">The adapter's folder.</param>
    /// <exception cref="InvalidDataException">The configuration names none, or it is not there.</exception>
    public static string BaseOf(string folder) => BaseOf(folder, null);

    /// <summary>As <see cref="BaseOf(string)"/>, with a box other than this program's.</summary>
    internal static string BaseOf(string folder, ModelBox? box)
    {
        var name = ReadConfig(folder).BaseModelNameOrPath;
        var file = Path.Combine(folder, ConfigName);
        if (FindBase(folder, box) is { } found) return found;
        if (string.IsNullOrWhiteSpace(name)) throw new InvalidDataException($"{file}: 'base_model_name_or_path' is missing. Write the base model's folder there.");
        if (BoxName.TryParse(name, out var inBox)) throw new InvalidDataException($"{file}: the base model '{name}' is not there ('base_model_name_or_path'). {(box ?? ModelBox.FromEnvironment()).Missing(inBox)}");
        throw new InvalidDataException($"{file}: the base model '{name}' is not there ('base_model_name_or_path'). Looked for {ConfigJson.FileName} in {string.Join(", ", Places(folder, name, box).Select(Path.GetFullPath).Distinct())}. Put the base there, or write its folder into the file.");
    }

    /// <summary>The folder of a whole model: the one given, or where it holds an adapter that of its base.</summary>
    /// <param name="folder">A model's folder, or an adapter's.</param>
    /// <param name="adapterBase">The folder of an adapter's base; null to look for it where the adapter says.</param>
    /// <exception cref="InvalidDataException">It holds an adapter whose base is not there.</exception>
    internal static string SourceOf(string folder, string? adapterBase) => Recognises(folder) ? adapterBase ?? BaseOf(folder) : folder;

    /// <summary>As <see cref="BaseOf(string)"/>; null where no folder is found.</summary>
    internal static string? FindBase(string folder, ModelBox? box = null) => ReadConfig(folder).BaseModelNameOrPath is { } name && !string.IsNullOrWhiteSpace(name)
        ? Places(folder, name, box).Where(place => File.Exists(Path.Combine(place, ConfigJson.FileName))).Select(Path.GetFullPath).FirstOrDefault()
        : null;

    /// <summary>Writes an adapter: each file appears whole or not at all, <c>adapter_config.json</c> last.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="model">The adapter's base.</param>
    public static void Save(LoraAdapter adapter, string folder, IPretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(model);
        Directory.CreateDirectory(folder);
        WeightFile.Write(Path.Combine(folder, Checkpoint.AdapterWeightsName), adapter.Parameters);
        var config = adapter.Config;
        // Read with other layers in mind, 'all-linear' or a family's usual choice would mean others.
        if (config.TargetModules is null && (config.TargetPattern is null || config.TargetPattern.Equals(LoraConfig.AllLinear, StringComparison.OrdinalIgnoreCase)))
        {
            config = config with { TargetPattern = null, TargetModules = LoraTargets.NamesOf([.. adapter.Layers.Where(pair => pair.Value is LoraLinear).Select(pair => pair.Key)], model) };
        }

        PretrainedFolder.WriteText(Path.Combine(folder, ConfigName), LoraConfigFile.Write(config, adapter.FanInFanOut).ToJsonString(Indented) + "\n");
    }

    /// <summary>Reads an adapter for its base.</summary>
    /// <param name="folder">The adapter's folder.</param>
    /// <param name="name">What it is called.</param>
    /// <param name="model">The base.</param>
    internal static LoraAdapter Read(string folder, string name, IPretrainedModel model)
    {
        var config = ReadConfig(folder);
        using var stored = Checkpoint.Open(folder, Checkpoint.AdapterWeightsName);
        var adapted = LoraTargets.Of(config, model).Adapted.Select(layer => layer.Name).ToHashSet();
        var tensors = new Dictionary<string, CheckpointTensor>();
        foreach (var spelling in stored.Names)
        {
            _ = stored.TryGet(spelling, out var tensor);
            if (!tensors.TryAdd(LoraNames.Canonical(spelling, adapted.Contains), tensor!))
            {
                throw new InvalidDataException($"{tensor!.File.Path}: tensor '{spelling}' is there twice under two spellings. Expected the weights of one adapter.");
            }
        }

        var unused = tensors.Keys.ToHashSet();
        Tensor? Take(string wanted, long[] shape, Linear layer, Func<Tensor> fresh)
        {
            if (!tensors.TryGetValue(wanted, out var tensor))
            {
                return wanted.EndsWith(LoraNames.Bias, StringComparison.Ordinal) ? null : throw Missing(folder, stored, wanted, shape, layer);
            }

            _ = unused.Remove(wanted);
            if (tensor.Entry.DType is not (SafeTensorsDType.F32 or SafeTensorsDType.F16 or SafeTensorsDType.BF16 or SafeTensorsDType.F64))
            {
                throw new InvalidDataException($"{tensor.File.Path}: tensor '{tensor.Entry.Name}' has the type {tensor.Entry.DType.Name()}; expected F32, F16, BF16 or F64.");
            }

            return tensor.Entry.Shape.AsSpan().SequenceEqual(shape)
                ? MappedTensors.View(tensor).to(ScalarType.Float32, layer.Weight.Parameters[0].Value.device, copy: true)
                : throw new InvalidDataException($"{tensor.File.Path} does not fit its base: tensor '{tensor.Entry.Name}' has the shape {Shape(tensor.Entry.Shape)}, and the base's layer '{layer.Name}' ({layer.Weight.InFeatures} in, {layer.Weight.OutFeatures} out) needs {Shape(shape)}. Load it on the base that it was trained on{(config.BaseModelNameOrPath is { } trained ? $" ('{trained}')" : "")}.");
        }

        if (adapted.Count == 0) throw Homeless(tensors.Values.FirstOrDefault(), folder, model);
        var adapter = LoraAdapter.Build(name, config, model, 0, Take);
        if (unused.Count == 0) return adapter;
        adapter.Dispose();
        throw Homeless(tensors[unused.Order(StringComparer.Ordinal).First()], folder, model);
    }

    private static InvalidDataException Missing(string folder, Checkpoint stored, string wanted, long[] shape, Linear layer) => new(
        $"{folder} does not fit its base: tensor '{wanted}' {Shape(shape)} is missing for the base's layer '{layer.Name}', which {ConfigName} names. The file has {stored.Names.Count} tensors{(stored.Names.Count > 0 ? $", '{stored.Names[0]}' for one" : "")}.");

    private static InvalidDataException Homeless(CheckpointTensor? tensor, string folder, IPretrainedModel model) => tensor is null
        ? new InvalidDataException($"{folder}: {ConfigName} names no linear layer of the base, and there are no tensors. The base's layers are called {LoraTargets.Endings(model)}.")
        : new InvalidDataException($"{tensor.File.Path} does not fit its base: tensor '{tensor.Entry.Name}' {Shape(tensor.Entry.Shape)} belongs to no layer that {ConfigName} names and the base has. The base's first layer is '{model.Linears[0].Name}' {Shape([model.Linears[0].Weight.OutFeatures, model.Linears[0].Weight.InFeatures])}, and its layers are called {LoraTargets.Endings(model)}.");

    private static string[] Places(string folder, string name, ModelBox? box)
    {
        if (name.Contains('\0')) throw new InvalidDataException($"{Path.Combine(folder, ConfigName)}: 'base_model_name_or_path' is no path.");
        if (BoxName.IsExplicit(name))
        {
            if (!BoxName.TryParse(name, out var inBox)) throw new InvalidDataException($"{Path.Combine(folder, ConfigName)}: 'base_model_name_or_path': expected {BoxName.Expected}, found {ShownText.Of(name, 120)}.");
            return [.. (box ?? ModelBox.FromEnvironment()).Find(inBox) is { } found ? new[] { found } : [], Path.Combine(Path.GetFullPath(folder), "..", inBox.Name)];
        }

        var last = Path.GetFileName(name.TrimEnd('/', '\\'));
        return [Path.Combine(folder, name), name, .. last is "" or "." or ".." ? Array.Empty<string>() : [Path.Combine(Path.GetFullPath(folder), "..", last)]];
    }

    private static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
